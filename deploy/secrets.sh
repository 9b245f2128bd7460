#!/bin/sh
# Makes the secrets of an installation: `sh deploy/secrets.sh [folder]`, ./secrets when none is named.
# Compose needs nothing more; elsewhere say where database and broker are: POSTGRES_AT=db:5432 RABBITMQ_AT=mq:5672 sh deploy/secrets.sh
# Safe to repeat: a password or key that is there stays, the files that carry passwords are written anew from them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../secrets}
services='intake routing sla notify'
postgres_at=${POSTGRES_AT:-postgres:5432}
rabbitmq_at=${RABBITMQ_AT:-broker:5672}

command -v openssl >/dev/null || { echo 'deploy/secrets.sh needs openssl (1.1.1 or newer), to make a key pair.' >&2; exit 1; }
mkdir -p "$folder/passwords"
# Containers read single files as users of their own, so the files are readable; nobody else may enter the folder.
chmod 700 "$folder"
umask 022
cd "$folder"

password() { cat "passwords/$1"; }

new_password() {
    [ -s "passwords/$1" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"passwords/$1"
}

# fill TEMPLATE FILE: every @name@ becomes the password of that name.
fill() {
    cp "$1" "$2"
    for path in passwords/*; do
        sed "s/@${path#passwords/}@/$(cat "$path")/" "$2" >"$2.part" && mv "$2.part" "$2"
    done
}

for name in postgres_superuser postgres_owner rabbitmq_admin rabbitmq_cookie grafana_admin; do new_password "$name"; done
for service in $services; do new_password "postgres_$service"; new_password "rabbitmq_$service"; done

fill "$here/postgres/roles.sql" postgres_roles.sql
fill "$here/rabbitmq/definitions.json" rabbitmq_definitions.json
echo "postgresql://hoiam_owner:$(password postgres_owner)@$postgres_at/hoiam" >database_url
echo "amqp://admin:$(password rabbitmq_admin)@$rabbitmq_at/hoiam" >amqp_url
echo "http://admin:$(password rabbitmq_admin)@${rabbitmq_at%:*}:15672" >management_url
for service in $services; do
    echo "postgresql://svc_$service:$(password "postgres_$service")@$postgres_at/hoiam" >"database_url_$service"
    echo "amqp://svc.$service:$(password "rabbitmq_$service")@$rabbitmq_at/hoiam" >"amqp_url_$service"
done

[ -s link_key ] || openssl rand -hex 32 >link_key
[ -s sealing_keys ] || echo "first:$(openssl rand -base64 32)" >sealing_keys
if [ ! -s jwt_private.pem ]; then
    (umask 077 && openssl genpkey -algorithm ed25519 -out jwt_private.pem)
    openssl pkey -in jwt_private.pem -pubout -out jwt_public.pem
fi
echo "The secrets are in $folder. Keep a copy of sealing_keys and jwt_private.pem elsewhere: nothing can replace them."
