-- The manifest of an answer to a visitor: which memories were in its prompt. user_id is the avatar's owner.
CREATE TABLE visitor_sources (
    message_id TEXT NOT NULL REFERENCES visitor_messages (message_id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    entry_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    item_id TEXT NOT NULL,
    PRIMARY KEY (message_id, position)
);
CREATE INDEX visitor_sources_by_user ON visitor_sources (user_id);
