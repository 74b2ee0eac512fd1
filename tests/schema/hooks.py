"""What Schemathesis has to be told of askbook's document."""

import json

import schemathesis


@schemathesis.deserializer("text/event-stream")
def data_of_events(_context, response):
    """The document describes the data of an event, not the event: clients are generated from it."""
    lines = response.content.decode().split("\n")
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    # On the wires of others, the end is a word of its own.
    return [json.loads(line) for line in data if line != "[DONE]"]
