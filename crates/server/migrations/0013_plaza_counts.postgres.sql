-- Counts are locked in one order, everybody's first: an author who publishes and deletes at the same moment would wait for themself.
CREATE OR REPLACE FUNCTION plaza_posts_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change BIGINT;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF new.state = 'visible' THEN
            INSERT INTO plaza_post_counts AS c (author_id, content_type, posts) VALUES (0, new.content_type, 1)
            ON CONFLICT (author_id, content_type) DO UPDATE SET posts = c.posts + 1;
            INSERT INTO plaza_post_counts AS c (author_id, content_type, posts) VALUES (new.author_id, new.content_type, 1)
            ON CONFLICT (author_id, content_type) DO UPDATE SET posts = c.posts + 1;
        END IF;
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        change := CASE WHEN old.state = 'visible' THEN -1 ELSE 0 END;
    ELSE
        change := CASE WHEN old.state = new.state THEN 0 WHEN new.state = 'visible' THEN 1 ELSE -1 END;
    END IF;
    IF change <> 0 THEN
        UPDATE plaza_post_counts SET posts = posts + change WHERE author_id = 0 AND content_type = old.content_type;
        UPDATE plaza_post_counts SET posts = posts + change WHERE author_id = old.author_id AND content_type = old.content_type;
    END IF;
    RETURN NULL;
END $$;
