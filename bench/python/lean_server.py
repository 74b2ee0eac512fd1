"""The chat in as little Python as can be: a protocol of its own on uvloop and httptools in place of
a framework and a server, aiohttp and orjson in place of Google's client, a bare gRPC call with the
few messages that it takes in place of Qdrant's. It checks and logs nothing.
"""

import asyncio
import os
import signal
from array import array

import aiohttp
import grpc.aio
import httptools
import orjson
import uvloop
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

GEMINI = f"{os.environ['GEMINI_BASE_URL']}/v1beta/models"
EMBEDDER = os.environ["EMBEDDING_MODEL"]
EMBED = f"{GEMINI}/{EMBEDDER}:batchEmbedContents"
WRITE = f"{GEMINI}/{os.environ['GEMINI_MODEL']}:generateContent"
STREAM = f"{GEMINI}/{os.environ['GEMINI_MODEL']}:streamGenerateContent?alt=sse"
DIMENSION = int(os.environ["EMBEDDING_DIMENSIONS"])
HEADERS = {"x-goog-api-key": os.environ["GEMINI_API_KEY"], "content-type": "application/json"}
INSTRUCTION = {
    "parts": [
        {
            "text": "Answer the question from the passages alone, and cite them by their numbers, "
            "like [1]. Say so when they do not answer it."
        }
    ]
}
PASSAGES = 5

JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
EVENTS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
FAILED = b"HTTP/1.1 %d Failed\r\ncontent-length: 0\r\n\r\n"


def reply_message():
    """Qdrant's `QueryResponse`, as far as it is used (`points.proto`)."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="points.proto", package="q", syntax="proto3")

    def message(name, **fields):
        added = file.message_type.add(name=name)
        for key, (number, kind, repeated) in fields.items():
            label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            one = added.field.add(name=key, number=number, label=label)
            if kind is str:
                one.type = field.TYPE_STRING
            else:
                one.type, one.type_name = field.TYPE_MESSAGE, f".q.{kind}"

    message("Value", text=(4, str, False))
    # A map is sent as its entries.
    message("Entry", key=(1, str, False), value=(2, "Value", False))
    message("Point", payload=(2, "Entry", True))
    message("QueryResponse", result=(1, "Point", True))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("q.QueryResponse"))


def delimited(number, content):
    """A field of a message whose content has its length before it."""
    length, size = bytearray(), len(content)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + content


# The fields of `QueryPoints` beside the vector: the collection, the limit, and all of the payload.
QUERY = (
    delimited(1, os.environ["QDRANT_COLLECTION_NAME"].encode())
    + bytes([8 << 3, PASSAGES])
    + delimited(11, b"\x08\x01")
)


class Upstreams:
    def __init__(self):
        connector = aiohttp.TCPConnector(limit=0)
        self.gemini = aiohttp.ClientSession(
            connector=connector, headers=HEADERS, cookie_jar=aiohttp.DummyCookieJar()
        )
        scheme, address = os.environ["QDRANT_URL"].split("://")
        if scheme == "https":
            channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials())
        else:
            channel = grpc.aio.insecure_channel(address)
        self.query = channel.unary_unary(
            "/qdrant.Points/Query", response_deserializer=reply_message().FromString
        )

    async def search(self, question):
        """What the model is asked, and the sources."""
        request = {
            "model": f"models/{EMBEDDER}",
            "content": {"parts": [{"text": question}]},
            "taskType": "RETRIEVAL_QUERY",
            "outputDimensionality": DIMENSION,
        }
        body = orjson.dumps({"requests": [request]})
        async with self.gemini.post(EMBED, data=body) as response:
            embedded = orjson.loads(await response.read())
        vector = array("f", embedded["embeddings"][0]["values"]).tobytes()
        # `query.nearest.dense.data`
        nearest = delimited(1, delimited(2, delimited(1, vector)))
        found = await self.query(QUERY + delimited(3, nearest))
        prompt, sources = [], []
        for number, point in enumerate(found.result, 1):
            payload = {entry.key: entry.value.text for entry in point.payload}
            prompt.append(f"[{number}] {payload['page_title']}\n{payload['text']}\n\n")
            sources.append(
                {"number": number, "title": payload["page_title"], "url": payload["url"]}
            )
        prompt.append(question)
        content = {"role": "user", "parts": [{"text": "".join(prompt)}]}
        return orjson.dumps({"systemInstruction": INSTRUCTION, "contents": [content]}), sources


def text_of(written):
    return written["candidates"][0]["content"]["parts"][0]["text"]


def reply(answer, sources, **more):
    return {
        **more,
        "answer": answer,
        "outcome": "answered",
        "mode": "generated",
        "sources": sources,
        "degraded": [],
    }


class Server(asyncio.Protocol):
    """A connection. It has one request at a time."""

    def __init__(self, upstreams):
        self.upstreams = upstreams

    def connection_made(self, transport):
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data):
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_message_begin(self):
        self.body = b""

    def on_url(self, url):
        self.url = url

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        if self.url == b"/chat":
            self.task = asyncio.ensure_future(self.answer(self.chat))
        elif self.url == b"/chat/stream":
            self.task = asyncio.ensure_future(self.answer(self.chat_stream))
        elif self.url == b"/health":
            self.transport.write(JSON % (2, b"{}"))
        else:
            self.transport.write(FAILED % 404)

    async def answer(self, handler):
        try:
            await handler(orjson.loads(self.body)["message"])
        except Exception:
            self.transport.write(FAILED % 502)
            self.transport.close()

    async def chat(self, question):
        prompt, sources = await self.upstreams.search(question)
        async with self.upstreams.gemini.post(WRITE, data=prompt) as response:
            written = orjson.loads(await response.read())
        body = orjson.dumps(reply(text_of(written), sources))
        self.transport.write(JSON % (len(body), body))

    async def chat_stream(self, question):
        prompt, sources = await self.upstreams.search(question)
        texts = []
        async with self.upstreams.gemini.post(STREAM, data=prompt) as response:
            self.transport.write(EVENTS)
            rest = b""
            async for data in response.content.iter_any():
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if line.startswith(b"data: "):
                        text = text_of(orjson.loads(line[6:]))
                        texts.append(text)
                        self.event({"type": "delta", "text": text})
        self.event(reply("".join(texts), sources, type="done"))
        self.transport.write(b"0\r\n\r\n")

    def event(self, event):
        data = b"data: %b\n\n" % orjson.dumps(event)
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))


async def main():
    loop = asyncio.get_running_loop()
    upstreams = Upstreams()
    stopped = loop.create_future()
    loop.add_signal_handler(signal.SIGTERM, stopped.set_result, None)
    await loop.create_server(lambda: Server(upstreams), "127.0.0.1", int(os.environ["PORT"]))
    await stopped


uvloop.run(main())
