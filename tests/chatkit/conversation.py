"""A whole conversation by the ChatKit protocol: conversation.py URL STREAMS

Each request is made with the model of openai-chatkit for it, and each reply read with its models.
The bodies of streams are written to STREAMS, for a client in JavaScript to read.
"""

import json
import sys

import httpx
from chatkit import types as t
from oracle import ITEMS, THREAD, THREADS, check_stream, events, read

url, streams = sys.argv[1:]
SITE = "https://book.example"
client = httpx.Client(base_url=url, timeout=30, trust_env=False)


def post(request, token, origin=SITE):
    headers = {
        "content-type": "application/json",
        "accept-language": "de",
        "chatkit-frame-instance-id": "frame-of-the-test",
        "origin": origin,
        "askbook-page": f"{SITE}/docs/intro",
    }
    if token:
        headers["askbook-visitor"] = token
    body = request if isinstance(request, str) else request.model_dump_json(exclude_none=True)
    return client.post("/chatkit", content=body, headers=headers)


def asked(text, **more):
    return t.UserMessageInput(
        content=[t.UserMessageTextContent(text=text)],
        attachments=[],
        inference_options=t.InferenceOptions(),
        **more,
    )


class Visitor:
    def __init__(self, token):
        self.token = token

    def json(self, request, model=None):
        reply = post(request, self.token)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "application/json"
        sent = reply.json()
        if model is None:
            assert sent == {}, sent
        else:
            read(model, sent)
        return sent

    def stream(self, request):
        reply = post(request, self.token)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"].startswith("text/event-stream")
        with open(streams, "a") as file:
            file.write(json.dumps(reply.text) + "\n")
        return events(reply.text)

    def refused(self, request, status):
        reply = post(request, self.token)
        assert reply.status_code == status, (reply.status_code, reply.text)
        assert reply.headers["content-type"] == "application/json"
        # What the client shows.
        assert reply.json()["message"], reply.text

    def create(self, text, **more):
        request = t.ThreadsCreateReq(params=t.ThreadCreateParams(input=asked(text, **more)))
        found = self.stream(request)
        return found[0]["thread"], check_stream(found, creates=True), found

    def add(self, thread, text, **more):
        params = t.ThreadAddUserMessageParams(thread_id=thread, input=asked(text, **more))
        return check_stream(self.stream(t.ThreadsAddUserMessageReq(params=params)))

    def items(self, thread, **more):
        params = t.ItemsListParams(thread_id=thread, **more)
        return self.json(t.ItemsListReq(params=params), ITEMS)

    def threads(self, **more):
        params = t.ThreadListParams(**more)
        return self.json(t.ThreadsListReq(params=params), THREADS)

    def get(self, thread):
        return t.ThreadsGetByIdReq(params=t.ThreadGetByIdParams(thread_id=thread))


def pages(page):
    """All elements of a list, page by page."""
    found, after = [], None
    while True:
        part = page(after)
        found += part["data"]
        if not part["has_more"]:
            assert "after" not in part
            return found
        after = part["after"]
        assert after == part["data"][-1]["id"]


anna, bert = Visitor("visitor-of-the-test-anna"), Visitor("visitor-of-the-test-bert")

# A conversation.
thread, kept, found = anna.create("How long is a conversation kept?")
assert [item["type"] for item in kept] == ["user_message", "assistant_message"]
assert kept[1]["content"][0]["annotations"], "nothing is cited"
assert kept[1]["content"][0]["annotations"][0]["source"]["url"].startswith(SITE + "/")
assert "progress_update" in [event["type"] for event in found]
assert [event for event in found if event["type"] == "thread.updated"]
kept += anna.add(thread["id"], "And how many questions of it?", quoted_text="a conversation 😀 is kept")
kept += anna.add(thread["id"], "What is a passage?")
_, refusal, _ = Visitor("visitor-of-the-test-carl").create("Who won the football world cup in 1974?")
assert refusal[-1]["content"][0]["annotations"] == [], refusal

# What is kept is what was told.
assert anna.items(thread["id"], order="asc", limit=100)["data"] == kept
assert anna.items(thread["id"])["data"] == kept[::-1]
for order, expected in [("asc", kept), ("desc", kept[::-1])]:
    paged = pages(lambda after: anna.items(thread["id"], order=order, limit=4, after=after))
    assert paged == expected
got = anna.json(anna.get(thread["id"]), THREAD)
assert (got["items"]["data"], got["title"]) == (kept, "How long is a conversation kept?")

# Several of them.
other, _, _ = anna.create("What is a session?")
listed = [thread["id"] for thread in anna.threads(limit=9999, order="desc")["data"]]
assert listed == [other["id"], thread["id"]]
paged = pages(lambda after: anna.threads(limit=1, order="asc", after=after))
assert [thread["id"] for thread in paged] == listed[::-1]

# The question again, answered anew.
retry = t.ThreadRetryAfterItemParams(thread_id=thread["id"], item_id=kept[0]["id"])
anew = check_stream(anna.stream(t.ThreadsRetryAfterItemReq(params=retry)), asks=False)
assert [item["type"] for item in anew] == ["assistant_message"]
assert anna.items(thread["id"], order="asc")["data"] == [kept[0], *anew]

# The same message sent again, as a client does that has got 5xx from a proxy.
again = anna.add(thread["id"], "How long is a conversation kept?")
assert again == [kept[0], *anew]
assert anna.items(thread["id"], order="asc")["data"] == [kept[0], *anew]

# Feedback, title, end.
for kind in ["positive", "negative"]:
    ids = [anew[0]["id"]]
    rated = t.ItemFeedbackParams(thread_id=thread["id"], item_ids=ids, kind=kind)
    anna.json(t.ItemsFeedbackReq(params=rated))
rename = t.ThreadUpdateParams(thread_id=thread["id"], title="Größer 😀")
renamed = anna.json(t.ThreadsUpdateReq(params=rename), THREAD)
assert renamed["title"] == "Größer 😀" and renamed["items"]["data"] == []
assert anna.threads()["data"][1] == renamed

# It is nobody else's.
for stranger in [bert, Visitor(None)]:
    assert stranger.threads()["data"] == []
    message = t.ThreadAddUserMessageParams(thread_id=thread["id"], input=asked("And then?"))
    for request in [
        stranger.get(thread["id"]),
        t.ItemsListReq(params=t.ItemsListParams(thread_id=thread["id"])),
        t.ThreadsAddUserMessageReq(params=message),
        t.ThreadsRetryAfterItemReq(params=retry),
        t.ThreadsUpdateReq(params=rename),
        t.ThreadsDeleteReq(params=t.ThreadDeleteParams(thread_id=thread["id"])),
        t.ItemsFeedbackReq(params=rated),
    ]:
        stranger.refused(request, 404)
anna.json(t.ThreadsDeleteReq(params=t.ThreadDeleteParams(thread_id=thread["id"])))
anna.refused(anna.get(thread["id"]), 404)
assert [thread["id"] for thread in anna.threads()["data"]] == [other["id"]]

# Without a token: one is issued, and the conversation goes on with it or without.
create = t.ThreadsCreateReq(params=t.ThreadCreateParams(input=asked("What is a session?")))
reply = post(create, None)
issued = Visitor(reply.headers["askbook-visitor"])
[begun] = issued.threads()["data"]
assert begun["id"] == events(reply.text)[0]["thread"]["id"]
Visitor(None).add(begun["id"], "And then?")
issued.add(begun["id"], "And how long?")
assert len(issued.items(begun["id"])["data"]) == 6

# A client that leaves: the thread stays whole.
params = t.ThreadAddUserMessageParams(thread_id=begun["id"], input=asked("What is a passage?"))
body = t.ThreadsAddUserMessageReq(params=params).model_dump_json(exclude_none=True)
headers = {"content-type": "application/json", "askbook-visitor": issued.token}
with client.stream("POST", "/chatkit", content=body, headers=headers) as reply:
    next(reply.iter_raw())
issued.items(begun["id"])

# What there is no occasion for here.
output = t.ThreadAddClientToolOutputParams(thread_id=other["id"], result=None)
structured = t.ThreadAddStructuredInputParams(
    thread_id=other["id"], item_id="msg_1", input=t.StructuredInputSubmission()
)
action = t.ThreadCustomActionParams(thread_id=other["id"], action={"type": "a"})
for request in [
    t.ThreadsAddStructuredInputReq(params=structured),
    t.ThreadsCustomActionReq(params=action),
    # The result is null, which the model must not leave out.
    t.ThreadsAddClientToolOutputReq(params=output).model_dump_json(),
]:
    [event] = anna.stream(request)
    assert (event["type"], event["code"], event["allow_retry"]) == ("error", "custom", False)
attachment = t.AttachmentCreateParams(name="a.txt", size=1, mime_type="text/plain")
audio = t.InputTranscribeParams(audio_base64="", mime_type="audio/webm;codecs=opus")
with_file = asked("What is this?")
with_file.attachments = ["atc_1"]
for request in [
    t.AttachmentsCreateReq(params=attachment),
    t.AttachmentsDeleteReq(params=t.AttachmentDeleteParams(attachment_id="atc_1")),
    t.InputTranscribeReq(params=audio),
    t.ThreadsSyncCustomActionReq(params=action),
    t.ThreadsCreateReq(params=t.ThreadCreateParams(input=with_file)),
    t.ThreadsCreateReq(params=t.ThreadCreateParams(input=asked(" "))),
    t.ThreadsCreateReq(params=t.ThreadCreateParams(input=asked("x" * 4_001))),
    t.ItemsListReq(params=t.ItemsListParams(thread_id=other["id"], after="msg_1")),
    t.ThreadsUpdateReq(params=t.ThreadUpdateParams(thread_id=other["id"], title=" ")),
    "{",
    "{}",
    json.dumps({"type": "threads.share", "params": {}}),
    json.dumps({"type": "threads.list"}),
    json.dumps({"type": "threads.list", "params": {"order": "up"}}),
]:
    anna.refused(request, 400)
anna.json(json.dumps({"type": "threads.list", "params": {"limit": "9"}, "new": 1}), THREADS)

# Every request of the protocol has been sent.
sent = {request.model_fields["type"].default for request in t.BaseReq.__subclasses__()}
assert len(sent) == 16, sent

# A page of the site may ask.
preflight = client.options(
    "/chatkit",
    headers={
        "origin": SITE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "askbook-page,askbook-visitor,chatkit-frame-instance-id,content-type",
    },
)
allowed = preflight.headers["access-control-allow-headers"]
for header in ["content-type", "authorization", "accept-language", "chatkit-frame-instance-id"]:
    assert header in allowed.split(", "), allowed
print("openai-chatkit reads a whole conversation")
