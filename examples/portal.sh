#!/bin/sh
# A portal posts a report and looks at what becomes of it:
#   PORTAL_KEY=$(hoiam portal add app "My app") sh examples/portal.sh
set -eu
: "${PORTAL_KEY:?the key that hoiam portal add printed}"
url=${INTAKE_URL:-http://127.0.0.1:8311}

# A new key for each report, kept until an answer came: the same request sent again with the same key is the same report.
key=${IDEMPOTENCY_KEY:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}

receipt=$(curl --fail-with-body --silent --show-error --retry 5 --retry-connrefused \
    -H "X-Api-Key: $PORTAL_KEY" -H "Idempotency-Key: $key" -H 'Content-Type: application/json' \
    --data-binary @- "$url/v1/reports" <<'REPORT'
{
  "category": "CS01",
  "description": "Đèn đường trước số 12 Hùng Vương không sáng từ tối qua.",
  "location": {"area": "dh", "address": "12 Hùng Vương, Đông Hà"},
  "contact": {"name": "Nguyễn Thị Lan", "email": "lan@example.vn"}
}
REPORT
) || { echo "$receipt" >&2; exit 1; }
echo "$receipt" # the link in it is for the reporter alone

tracking_code=$(echo "$receipt" | sed 's/.*"tracking_code": *"\([^"]*\)".*/\1/')
sleep "${WAIT:-2}"
curl --fail-with-body --silent --show-error "$url/v1/reports/$tracking_code"
echo
