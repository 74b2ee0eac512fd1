"""What a server says, read with the models of openai-chatkit.

The models alone would let much pass: they ignore what they do not know, and fill in what is missing.
So what they have read is written again, as their own server writes it, and compared.
"""

import json
from datetime import datetime

from chatkit.types import (
    Page,
    Thread,
    ThreadItem,
    ThreadStreamEvent,
)
from pydantic import TypeAdapter

EVENT = TypeAdapter(ThreadStreamEvent)
ITEM = TypeAdapter(ThreadItem)
THREAD = TypeAdapter(Thread)
THREADS = TypeAdapter(Page[Thread])
ITEMS = TypeAdapter(Page[ThreadItem])


def read(model, sent):
    """What the model makes of it; nothing of it may be lost, added or changed."""
    value = model.validate_python(sent)
    written = model.dump_python(value, mode="json", by_alias=True, exclude_none=True)
    differences = list(compare(sent, written, "$"))
    assert not differences, f"{differences} in {json.dumps(sent)}"
    return value


def compare(sent, written, path):
    if isinstance(sent, dict) and isinstance(written, dict):
        for key in sent.keys() - written.keys():
            yield f"{path}.{key} is not known"
        for key in written.keys() - sent.keys():
            yield f"{path}.{key} is missing"
        for key in sent.keys() & written.keys():
            yield from compare(sent[key], written[key], f"{path}.{key}")
    elif isinstance(sent, list) and isinstance(written, list):
        if len(sent) != len(written):
            yield f"{path} has another length"
        for index, (one, other) in enumerate(zip(sent, written)):
            yield from compare(one, other, f"{path}[{index}]")
    elif path.endswith(".created_at"):
        if not sent.endswith("Z") or moment(sent) != moment(written):
            yield f"{path} is no time in UTC: {sent}"
    elif type(sent) is not type(written) or sent != written:
        yield f"{path} is read as {written!r} and was {sent!r}"


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def events(body):
    """The events of a stream, by the framing of the reference server."""
    assert body.endswith("\n\n"), "the last event is not complete"
    found = []
    for block in body.removesuffix("\n\n").split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        # A blank line is the end of an event for the client, so that a comment has none of its own.
        assert len(lines) == 1 and lines[0].startswith("data: "), f"{block!r}"
        sent = json.loads(lines[0].removeprefix("data: "))
        read(EVENT, sent)
        found.append(sent)
    return found


def check_stream(found, creates=False, asks=True):
    """What holds of every answer: the order of its events, and that they say the same thing.

    Gives what is kept by the client: the items that are done.
    """
    kinds = [event["type"] for event in found]
    expected = (["thread.created"] if creates else []) + (["thread.item.done"] if asks else [])
    assert kinds[: len(expected) + 1] == [*expected, "stream_options"], kinds
    open_items, done, ended = {}, [], False
    for event in found:
        assert not ended, "something comes after the error"
        kind = event["type"]
        if kind == "thread.item.added":
            item = event["item"]
            assert item["id"] not in open_items and item["content"] == []
            open_items[item["id"]] = {"item": item, "text": None, "annotations": []}
        elif kind == "thread.item.updated":
            update(open_items[event["item_id"]], event["update"])
        elif kind == "thread.item.done":
            item = event["item"]
            assert item["type"] in ("user_message", "assistant_message"), item
            begun = open_items.pop(item["id"], None)
            if begun is not None:
                [part] = item["content"]
                assert part["text"] == begun["text"]
                assert part["annotations"] == begun["annotations"]
                same = ("id", "thread_id", "created_at", "type")
                assert all(item[key] == begun["item"][key] for key in same)
            if item["type"] == "assistant_message":
                check_annotations(item)
            done.append(item)
        elif kind == "thread.updated":
            assert event["thread"]["title"]
        elif kind == "error":
            ended = True
    assert ended or not open_items, "something is not done at the end"
    return done


def update(begun, update):
    kind = update["type"].removeprefix("assistant_message.content_part.")
    assert update["content_index"] == 0
    if kind == "added":
        assert begun["text"] is None and update["content"]["text"] == ""
        begun["text"] = ""
    elif kind == "text_delta":
        assert update["delta"]
        begun["text"] += update["delta"]
    elif kind == "annotation_added":
        assert update["annotation_index"] == len(begun["annotations"])
        begun["annotations"].append(update["annotation"])
        # What it stands behind has been told.
        assert update["annotation"]["index"] <= units(begun["text"])
    elif kind == "done":
        content = update["content"]
        assert (content["text"], content["annotations"]) == (begun["text"], begun["annotations"])
    else:
        raise AssertionError(kind)


def check_annotations(item):
    [part] = item["content"]
    seen = []
    for annotation in part["annotations"]:
        source, index = annotation["source"], annotation["index"]
        assert 0 < index <= units(part["text"])
        # Whole characters are before it, and no word goes on behind it.
        before = part["text"].encode("utf-16-le")[: 2 * index].decode("utf-16-le")
        behind = part["text"][len(before) :]
        assert not before[-1].isspace() or before.endswith("```\n\n"), before
        assert not behind[:1].isalnum() and not before.endswith("```"), (before, behind)
        assert before.count("`") % 2 == 0, "it stands in code"
        assert source["title"] and source["url"].startswith("http"), source
        assert (source["url"], index) not in seen
        seen.append((source["url"], index))
    # It is cited by annotations, and not by numbers in the text too.
    assert not part["annotations"] or "[1]" not in part["text"]


def units(text):
    """How long JavaScript says that it is."""
    return len(text.encode("utf-16-le")) // 2
