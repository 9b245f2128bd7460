#!/bin/sh
# A whole agency in plain HTTP, for one without AMQP: accepts each case of its work list and sends its result. To be run every few minutes:
#   TOKEN=$(hoiam token --role agency:dh --name server) sh examples/agency_http.sh
# Nothing is done twice when this is killed and run again: each request has a key that is made of the case and what was seen of it.
set -eu
: "${TOKEN:?what hoiam token --role agency:CODE printed}"
url=${SLA_URL:-http://127.0.0.1:8313}

ask() {
    curl --fail-with-body --silent --show-error --retry 5 --retry-connrefused -H "Authorization: Bearer $TOKEN" "$@"
}

# The version of the case that was read goes with what is asked: when it has moved since, the answer is 412 and nothing happens.
request() { # case, request, body
    version=$(ask --output /dev/null --dump-header - "$url/v1/cases/$1" | tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: *//p')
    ask --output /dev/null -X POST "$url/v1/cases/$1/$2" --data-binary "$3" -H 'Content-Type: application/json' \
        -H "If-Match: $version" -H "Idempotency-Key: $2 $(echo "$version" | tr -d '"')"
}

work_list() { # state: the ids of up to 200 cases, the soonest due first
    ask "$url/v1/cases?view=mine&limit=200&state=$1" | grep -o '"report_id":"[^"]*"' | cut -d '"' -f 4
}

for case in $(work_list routed); do
    request "$case" accept '{}'
done
for case in $(work_list in_progress); do
    request "$case" submit_result '{"outcome": "fixed", "answer": "Đơn vị đã kiểm tra và khắc phục xong tại hiện trường.",
        "evidence": ["https://anh.example/sau-khi-khac-phuc.jpg"]}'
    echo "$case: result sent"
done
