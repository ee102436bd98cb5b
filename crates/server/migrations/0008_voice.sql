-- What was spoken, found again by what was asked for: spoken_hash is the keyed hash of user, engine, voice, emotion and text
-- (the text itself is not kept here), and the secret in the file's public address.
CREATE TABLE spoken_texts (
    spoken_hash BYTEA PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    audio BYTEA NOT NULL,
    duration_ms BIGINT NOT NULL,
    sample_rate BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX spoken_texts_by_user ON spoken_texts (user_id);
