"""The chat as a good FastAPI backend has it: FastAPI on uvicorn with uvloop and httptools, Google's
own client (which takes aiohttp where that is installed) and Qdrant's own over gRPC, all asynchronous
and made once. Neither requests nor anything else is logged.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from google import genai
from google.genai import types
from pydantic import BaseModel, Field
from qdrant_client import AsyncQdrantClient

EMBEDDER = os.environ["EMBEDDING_MODEL"]
WRITER = os.environ["GEMINI_MODEL"]
COLLECTION = os.environ["QDRANT_COLLECTION_NAME"]
PASSAGES = 5
EMBED = types.EmbedContentConfig(
    task_type="RETRIEVAL_QUERY", output_dimensionality=int(os.environ["EMBEDDING_DIMENSIONS"])
)
WRITE = types.GenerateContentConfig(
    system_instruction="Answer the question from the passages alone, and cite them by their "
    "numbers, like [1]. Say so when they do not answer it."
)


class ChatRequest(BaseModel):
    message: str = Field(min_length=1, max_length=4000)


class Source(BaseModel):
    number: int
    title: str
    url: str


class ChatReply(BaseModel):
    answer: str
    outcome: Literal["answered"] = "answered"
    mode: Literal["generated"] = "generated"
    sources: list[Source]
    degraded: list[str] = []


class Delta(BaseModel):
    type: Literal["delta"] = "delta"
    text: str


class Done(ChatReply):
    type: Literal["done"] = "done"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    gemini = genai.Client(
        api_key=os.environ["GEMINI_API_KEY"],
        http_options=types.HttpOptions(base_url=os.environ["GEMINI_BASE_URL"]),
    )
    url = os.environ["QDRANT_URL"]
    qdrant = AsyncQdrantClient(
        url=url,
        grpc_port=int(url.rsplit(":", 1)[1]),
        prefer_grpc=True,
        check_compatibility=False,
    )
    app.state.gemini, app.state.qdrant = gemini.aio, qdrant
    yield
    await qdrant.close()
    await gemini.aio.aclose()


app = FastAPI(lifespan=lifespan)


async def search(request: Request, question: str) -> tuple[str, list[Source]]:
    """The prompt, and the sources that it numbers."""
    embedded = await request.app.state.gemini.models.embed_content(
        model=EMBEDDER, contents=question, config=EMBED
    )
    found = await request.app.state.qdrant.query_points(
        collection_name=COLLECTION,
        query=embedded.embeddings[0].values,
        limit=PASSAGES,
        with_payload=True,
    )
    payloads = [point.payload for point in found.points]
    passages = [
        f"[{number}] {payload['page_title']}\n{payload['text']}\n\n"
        for number, payload in enumerate(payloads, 1)
    ]
    sources = [
        Source(number=number, title=payload["page_title"], url=payload["url"])
        for number, payload in enumerate(payloads, 1)
    ]
    return "".join(passages) + question, sources


@app.post("/chat")
async def chat(body: ChatRequest, request: Request) -> ChatReply:
    prompt, sources = await search(request, body.message)
    written = await request.app.state.gemini.models.generate_content(
        model=WRITER, contents=prompt, config=WRITE
    )
    if not written.text:
        raise HTTPException(502, "the model wrote nothing")
    return ChatReply(answer=written.text, sources=sources)


@app.post("/chat/stream")
async def chat_stream(body: ChatRequest, request: Request) -> StreamingResponse:
    prompt, sources = await search(request, body.message)
    pieces = await request.app.state.gemini.models.generate_content_stream(
        model=WRITER, contents=prompt, config=WRITE
    )

    async def events() -> AsyncIterator[str]:
        texts = []
        async for piece in pieces:
            if text := piece.text:
                texts.append(text)
                yield f"data: {Delta(text=text).model_dump_json()}\n\n"
        yield f"data: {Done(answer=''.join(texts), sources=sources).model_dump_json()}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
