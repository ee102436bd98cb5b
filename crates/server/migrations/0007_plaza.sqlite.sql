-- Full text of posts. The words are hashes of tokens: nothing is left to fold or to cut.
CREATE VIRTUAL TABLE plaza_words USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii');
CREATE TRIGGER plaza_posts_gone AFTER DELETE ON plaza_posts BEGIN
    DELETE FROM plaza_words WHERE rowid = old.seq;
END;

-- Visible posts are counted where they come and go, also when an account takes its posts along.
CREATE TRIGGER plaza_posts_counted AFTER INSERT ON plaza_posts WHEN new.state = 'visible' BEGIN
    INSERT INTO plaza_post_counts (author_id, content_type, posts)
    VALUES (0, new.content_type, 1), (new.author_id, new.content_type, 1)
    ON CONFLICT (author_id, content_type) DO UPDATE SET posts = posts + 1;
END;
CREATE TRIGGER plaza_posts_uncounted AFTER DELETE ON plaza_posts WHEN old.state = 'visible' BEGIN
    UPDATE plaza_post_counts SET posts = posts - 1
    WHERE author_id IN (0, old.author_id) AND content_type = old.content_type;
END;
CREATE TRIGGER plaza_posts_hidden AFTER UPDATE OF state ON plaza_posts WHEN old.state <> new.state BEGIN
    UPDATE plaza_post_counts SET posts = posts + CASE WHEN new.state = 'visible' THEN 1 ELSE -1 END
    WHERE author_id IN (0, old.author_id) AND content_type = old.content_type;
END;
