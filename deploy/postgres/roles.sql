-- Run once by psql, as the superuser, when the database is made; deploy/secrets.sh fills in the passwords.
-- The owner migrates, each service has a login that may act as the role of its own schema only.
\set ON_ERROR_STOP on

CREATE ROLE hoiam_owner LOGIN CREATEROLE PASSWORD '@postgres_owner@';
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DATABASE :"DBNAME" OWNER TO hoiam_owner;

CREATE ROLE hoiam_intake NOLOGIN ADMIN hoiam_owner;
CREATE ROLE hoiam_routing NOLOGIN ADMIN hoiam_owner;
CREATE ROLE hoiam_sla NOLOGIN ADMIN hoiam_owner;
CREATE ROLE hoiam_notify NOLOGIN ADMIN hoiam_owner;

CREATE ROLE svc_intake LOGIN IN ROLE hoiam_intake PASSWORD '@postgres_intake@';
CREATE ROLE svc_routing LOGIN IN ROLE hoiam_routing PASSWORD '@postgres_routing@';
CREATE ROLE svc_sla LOGIN IN ROLE hoiam_sla PASSWORD '@postgres_sla@';
CREATE ROLE svc_notify LOGIN IN ROLE hoiam_notify PASSWORD '@postgres_notify@';
GRANT CONNECT ON DATABASE :"DBNAME" TO svc_intake, svc_routing, svc_sla, svc_notify;
