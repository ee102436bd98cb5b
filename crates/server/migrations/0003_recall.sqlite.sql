-- Full text without a copy of the text. The words are hashes of user and token: nothing is left to fold or to cut.
CREATE VIRTUAL TABLE memory_words USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii');
CREATE TRIGGER memory_entries_gone AFTER DELETE ON memory_entries WHEN old.worded BEGIN
    DELETE FROM memory_words WHERE rowid = old.id;
END;
