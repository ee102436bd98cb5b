"""The official OpenAI client for Python against /v1."""

import json
import os

import openai

origin = os.environ["ORIGIN"]
client = openai.OpenAI(base_url=f"{origin}/v1", api_key=os.environ["TOKEN"], max_retries=0)
messages = [{"role": "user", "content": "Hi there"}]
model = "secondme/nano"

whole = client.chat.completions.create(model=model, messages=messages)
assert whole.choices[0].message.content == "You said: Hi there", whole
with client.chat.completions.create(model=model, messages=messages, stream=True) as stream:
    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
assert said == "You said: Hi there", said

schema = {"type": "object", "properties": {"fits": {"type": "boolean"}}, "required": ["fits"], "additionalProperties": False}
shape = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": schema}}
judged = client.chat.completions.create(model=model, messages=messages, response_format=shape)
assert isinstance(json.loads(judged.choices[0].message.content)["fits"], bool)

models = [one.id for one in client.models.list()]
assert models[:2] == ["secondme/nano", "secondme/pro"], models
vectors = client.embeddings.create(model=models[2], input=["bees", "keys"])
assert len(vectors.data) == 2 and isinstance(vectors.data[0].embedding[0], float)

assert models[3] == "secondme/voice", models
with client.audio.speech.with_streaming_response.create(model=models[3], voice="alloy", input="Hello from Lisbon.") as spoken:
    assert spoken.headers["content-type"] == "audio/mpeg"
    sound = b"".join(spoken.iter_bytes())
assert len(sound) > 1_000 and sound[0] == 0xFF and sound[1] & 0xE0 == 0xE0, sound[:4]
assert client.audio.speech.create(model=models[3], voice="alloy", input="Hello from Lisbon.").content == sound

try:
    client.audio.speech.create(model=models[3], voice="alloy", input="Hi", response_format="opus")
    raise AssertionError("an unknown format was taken")
except openai.BadRequestError as error:
    assert error.param == "response_format", error
try:
    client.chat.completions.create(model="gpt-4o", messages=messages)
    raise AssertionError("an unknown model was taken")
except openai.NotFoundError as error:
    assert error.code == "model_not_found", error
try:
    openai.OpenAI(base_url=f"{origin}/v1", api_key="lba_at_nobody", max_retries=0).models.list()
    raise AssertionError("a stranger was let in")
except openai.AuthenticationError as error:
    assert error.code == "invalid_api_key", error
print("done")
