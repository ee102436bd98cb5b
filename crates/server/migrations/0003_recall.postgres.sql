-- Full text. The words are hashes of user and token.
CREATE TABLE memory_words (
    entry_id BIGINT PRIMARY KEY REFERENCES memory_entries (id) ON DELETE CASCADE,
    words tsvector NOT NULL
);
CREATE INDEX memory_words_any ON memory_words USING gin (words);
