-- What was spoken, found again by what was asked for. spoken_hash: the keyed hash of user, engine, voice, emotion and text (the
-- text itself is not kept). name: the file among the user's uploads; when that goes, this goes too.
CREATE TABLE spoken_texts (
    spoken_hash BYTEA PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    duration_ms BIGINT NOT NULL,
    sample_rate BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (user_id, name) REFERENCES uploads (user_id, name) ON DELETE CASCADE
);
CREATE INDEX spoken_texts_by_file ON spoken_texts (user_id, name);
