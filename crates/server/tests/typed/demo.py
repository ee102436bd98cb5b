"""A typed client for Python, generated from /openapi.json (openapi-python-client), in the demo world."""

import json
import os
import uuid

from secondme_client import AuthenticatedClient
from secondme_client.api.agent_memory import post_agent_memory_ingest
from secondme_client.api.chat import get_chat_session_list, post_chat_stream
from secondme_client.api.memory import get_memory_key_search, post_memory_key
from secondme_client.api.notes import get_note_search, post_note_add
from secondme_client.api.user import get_user_info
from secondme_client.models import (
    AddNote,
    Channel,
    ChatBody,
    EnvelopeAdded,
    EnvelopeFoundNotes,
    EnvelopeMemoryList,
    EnvelopeReceipts,
    EnvelopeSessionList,
    EnvelopeUserInfo,
    EnvelopeValue,
    Failure,
    InsertMemory,
    PostAgentMemoryIngestBody,
    Receipt,
    Ref,
)

origin = os.environ["ORIGIN"]
client = AuthenticatedClient(base_url=origin, token=os.environ["TOKEN"])

me = get_user_info.sync(client=client)
assert isinstance(me, EnvelopeUserInfo), me
assert (me.data.user_id, me.data.name) == ("1", "Ada"), me.data

content = f"The typed hive stands by the fig tree ({uuid.uuid4()})"
added = post_note_add.sync(client=client, body=AddNote(title="Python", content=content))
assert isinstance(added, EnvelopeAdded), added
found = get_note_search.sync(client=client, keyword="typed hive Python", page_size=5)
assert isinstance(found, EnvelopeFoundNotes), found
assert any(note.id == added.data.note_id for note in found.data.list_), found

kept = post_memory_key.sync(client=client, body=InsertMemory(content="Typed clients are made in CI"))
assert isinstance(kept, EnvelopeValue), kept
memories = get_memory_key_search.sync(client=client, keyword="typed")
assert isinstance(memories, EnvelopeMemoryList) and memories.data.total > 0, memories

chat = post_chat_stream.sync(client=client, body=ChatBody(message="Hello"))
assert isinstance(chat, str), chat
events = [json.loads(event[6:]) for event in chat.split("\n\n") if event.startswith("data: {")]
assert "".join(event["choices"][0]["delta"]["content"] for event in events) == "You said: Hello", chat
assert chat.endswith("data: [DONE]\n\n"), chat
sessions = get_chat_session_list.sync(client=client)
assert isinstance(sessions, EnvelopeSessionList) and sessions.data.sessions, sessions

reference = Ref(object_type="thread", object_id=content, content_preview="About bees")
event = PostAgentMemoryIngestBody(channel=Channel(kind="forum"), action="post_created", refs=[reference])
receipts = post_agent_memory_ingest.sync(client=client, body=event)
assert isinstance(receipts, EnvelopeReceipts) and isinstance(receipts.data, Receipt), receipts
assert not receipts.data.is_duplicate

# Failures have a type, too.
empty = post_note_add.sync_detailed(client=client, body=AddNote())
assert empty.status_code == 400 and isinstance(empty.parsed, Failure), empty
assert (empty.parsed.code, empty.parsed.sub_code) == (400, "note.content.required"), empty
stranger = AuthenticatedClient(base_url=origin, token="lba_at_nobody")
refused = get_user_info.sync(client=stranger)
assert isinstance(refused, Failure) and refused.sub_code == "auth.token.invalid", refused
print("done")
