#!/bin/sh
# Prints the Secrets of the namespace, from the files that deploy/secrets.sh made: `sh deploy/kubernetes/secrets.sh | kubectl apply -f -`.
# Each pod sees its own only. For hosts of yours: POSTGRES_AT=db:5432 RABBITMQ_AT=mq:5672 sh deploy/secrets.sh
set -eu

cd "${1:-$(dirname "$0")/../../secrets}"

# secret NAME key=file …
secret() {
    printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: {name: hoiam-%s, namespace: hoiam}\ntype: Opaque\ndata:\n' "$1"
    shift
    for pair; do printf '  %s: %s\n' "${pair%%=*}" "$(base64 <"${pair#*=}" | tr -d '\n')"; done
}

secret owner database_url=database_url amqp_url=amqp_url management_url=management_url
for service in routing sla; do
    secret "$service" database_url="database_url_$service" amqp_url="amqp_url_$service" jwt_public_key=jwt_public.pem
done
touch media_options smtp_url # empty: to be filled in (docs/settings.md)
secret intake database_url=database_url_intake amqp_url=amqp_url_intake jwt_public_key=jwt_public.pem \
    link_key=link_key sealing_keys=sealing_keys media_options=media_options
secret notify database_url=database_url_notify amqp_url=amqp_url_notify jwt_public_key=jwt_public.pem \
    link_key=link_key sealing_keys=sealing_keys smtp_url=smtp_url
