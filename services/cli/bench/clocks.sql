-- So many open cases with a clock each, as psycopg2 fills it in. Every third clock speaks in one of the rounds until there are enough for
-- all rounds, the others in a month. Of ten that speak, four have used half of their time, four have used 80 %%, and two have used all of it.
CREATE TEMPORARY TABLE made AS
SELECT n, gen_random_uuid() AS report_id, (ARRAY['dh','txqt','vl','gl','cl','tp','hl','hh','dk'])[1 + n %% 9] AS agency,
       CASE WHEN n %% 3 = 0 AND n < 3 * %(due)s * %(rounds)s THEN CAST(%(begin)s AS timestamptz) + (n / 3 / %(due)s) * interval '1 second'
            ELSE CAST(%(begin)s AS timestamptz) + interval '30 days' + n * interval '1 second' END AS next_at,
       (ARRAY[0,0,0,0,1,1,1,1,2,2])[1 + n %% 10] AS step
FROM generate_series(0, %(open)s - 1) AS n;
INSERT INTO sla.cases (report_id, tracking_code, category, report, received_at, urgent, agency, policy_version, state, hop, version, moved,
                       last_hash, sla_class, due_at, answer, supporting, explanation, area, promised_at)
SELECT report_id, 'QT-' || n, 'CS01',
       jsonb_build_object('portal', 'app', 'attributes', '{}'::jsonb,
                          'description', 'Đèn đường hỏng trước số nhà ' || n || ', tối rất nguy hiểm',
                          'location', jsonb_build_object('area', agency, 'address', n || ' Hùng Vương', 'latitude', NULL, 'longitude', NULL)),
       next_at - interval '10 days', false, agency, 1, 'in_progress', 1, 1, 1, repeat('0', 64), 'S3', next_at + interval '5 days', '', '[]',
       'Đèn đường do UBND cấp huyện phụ trách.', agency, next_at + interval '5 days'
FROM made;
INSERT INTO sla.history (report_id, seq, actor, trigger, source, target, data, at, prev_hash, hash)
SELECT report_id, 1, 'portal:app', 'receive', '', 'received', '{"category": "CS01"}', next_at - interval '10 days', repeat('0', 64),
       repeat('0', 64)
FROM made;
INSERT INTO sla.clocks (id, report_id, name, started_at, due_at, next_at, step)
SELECT gen_random_uuid(), report_id, 'resolve', next_at - (ARRAY[100, 160, 200])[step + 1] * interval '1 day',
       next_at + (ARRAY[100, 40, 0])[step + 1] * interval '1 day', next_at, step
FROM made;
CREATE SCHEMA bare;
CREATE TABLE bare.clocks AS SELECT report_id AS id, next_at, step FROM made;
ALTER TABLE bare.clocks ADD PRIMARY KEY (id);
CREATE INDEX ON bare.clocks (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE bare.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, clock_id uuid NOT NULL, at timestamptz NOT NULL, step integer NOT NULL
);
DROP TABLE made;
