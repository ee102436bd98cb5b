-- Full text of posts. The words are hashes of tokens.
CREATE TABLE plaza_words (
    post_seq BIGINT PRIMARY KEY REFERENCES plaza_posts (seq) ON DELETE CASCADE,
    words tsvector NOT NULL
);
CREATE INDEX plaza_words_any ON plaza_words USING gin (words);

-- Visible posts are counted where they come and go, also when an account takes its posts along.
CREATE FUNCTION plaza_posts_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF new.state = 'visible' THEN
            INSERT INTO plaza_post_counts AS c (author_id, content_type, posts)
            VALUES (0, new.content_type, 1), (new.author_id, new.content_type, 1)
            ON CONFLICT (author_id, content_type) DO UPDATE SET posts = c.posts + 1;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        IF old.state = 'visible' THEN
            UPDATE plaza_post_counts SET posts = posts - 1
            WHERE author_id IN (0, old.author_id) AND content_type = old.content_type;
        END IF;
    ELSIF old.state <> new.state THEN
        UPDATE plaza_post_counts SET posts = posts + CASE WHEN new.state = 'visible' THEN 1 ELSE -1 END
        WHERE author_id IN (0, old.author_id) AND content_type = old.content_type;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER plaza_posts_counted AFTER INSERT OR DELETE OR UPDATE OF state ON plaza_posts
    FOR EACH ROW EXECUTE FUNCTION plaza_posts_count();
