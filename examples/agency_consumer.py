"""A whole agency in one file: takes its assignments from RabbitMQ, accepts each and sends its result.

    AMQP_URL=amqp://agency.dh:secret@broker:5672/hoiam python examples/agency_consumer.py [--count N] [--quiet]

`hoiam agency provision dh` prints the URL. Needs nothing but pika. Nothing is lost when this is killed: an assignment is acknowledged after
the broker has confirmed both requests, and their ids are derived from the assignment's, so the same assignment read twice asks only once.
"""

import argparse
import contextlib
import json
import os
import uuid
from datetime import UTC, datetime

import pika

TYPE = "vn.hoiam.{}.v1"
RESULT = {
    "outcome": "fixed",
    "answer": "Đơn vị đã kiểm tra và khắc phục xong tại hiện trường.",
    "evidence": ["https://anh.example/sau-khi-khac-phuc.jpg"],
}


def request(channel, user, assignment, topic, data):
    """Ask for ``topic`` in the name of ``user``; returns once the broker has it. The id is the same at every repetition."""
    name = str(uuid.uuid5(uuid.UUID(assignment["id"]), topic))
    event = {
        "specversion": "1.0", "id": name, "source": f"/{user}", "type": TYPE.format(topic), "subject": assignment["subject"],
        "time": datetime.now(UTC).isoformat(),  # noqa: TID251 - the house's clock is not here
        "datacontenttype": "application/json", "data": data,
    }  # fmt: skip
    properties = pika.BasicProperties(
        message_id=name, type=event["type"], user_id=user, delivery_mode=2, content_type="application/cloudevents+json; charset=utf-8"
    )
    key = f"{user.removeprefix('agency.')}.{topic}"
    channel.basic_publish("hoiam.requests", key, json.dumps(event).encode(), properties, mandatory=True)
    return name


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=0, help="stop after this many results were taken; 0: never")
    arguments.add_argument("--quiet", action="store_true", help="print nothing")
    options = arguments.parse_args()
    say = str if options.quiet else print
    parameters = pika.URLParameters(os.environ["AMQP_URL"])
    user = parameters.credentials.username
    results, done = {}, 0  # id of the request → tracking code

    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()  # from here on basic_publish raises when the broker did not take it
        channel.basic_qos(prefetch_count=20)
        for method, _properties, body in channel.consume(user):  # the queue has the user's name
            event = json.loads(body)
            if event["type"] == TYPE.format("assignment"):
                work = event["data"]
                say(f"{work['tracking_code']}: {work['category_name']}, due {work['due_at']}: {work['description']}")
                request(channel, user, event, "accept", {"version": work["version"]})
                results[request(channel, user, event, "submit_result", RESULT)] = work["tracking_code"]
            elif event["type"] in {TYPE.format("request.done"), TYPE.format("request.refused")}:
                code = results.pop(event["correlationid"], None)
                say(f"{code or event['subject']}: {event['type'].split('.')[-2]} {event['data'].get('reason', '')}")
                done += code is not None
            channel.basic_ack(method.delivery_tag)
            if options.count and done >= options.count:
                return


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
