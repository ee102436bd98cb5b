-- Apps as tools for the avatar: what developers register, its versions, and which skills users switched on.

CREATE TABLE integrations (
    integration_id TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    skill_key TEXT NOT NULL UNIQUE,
    -- The version that users see; none until one was approved.
    released_version TEXT,
    versions_made BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX integrations_by_user ON integrations (user_id, created_at);

-- status: draft, pending_review, approved, rejected, superseded. manifest and report are JSON; secrets are sealed under the server's key.
CREATE TABLE integration_versions (
    version_id TEXT PRIMARY KEY,
    integration_id TEXT NOT NULL REFERENCES integrations (integration_id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    app_id TEXT NOT NULL REFERENCES apps (app_id) ON DELETE CASCADE,
    manifest TEXT NOT NULL,
    secrets BYTEA NOT NULL,
    report TEXT,
    status TEXT NOT NULL,
    submitted_at BIGINT,
    reviewed_at BIGINT,
    review_note TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    UNIQUE (integration_id, number)
);
CREATE INDEX integration_versions_by_app ON integration_versions (app_id) WHERE status = 'approved';
CREATE INDEX integration_versions_pending ON integration_versions (submitted_at) WHERE status = 'pending_review';

-- Skills that the user's own avatar may use while it talks with its owner.
CREATE TABLE enabled_skills (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    integration_id TEXT NOT NULL REFERENCES integrations (integration_id) ON DELETE CASCADE,
    enabled_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, integration_id)
);

-- What an answer's avatar called: part of the answer's sources.
CREATE TABLE chat_tool_calls (
    message_id TEXT NOT NULL REFERENCES chat_messages (message_id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    skill_key TEXT NOT NULL,
    tool TEXT NOT NULL,
    arguments TEXT NOT NULL,
    result TEXT NOT NULL,
    failed BOOLEAN NOT NULL,
    called_at BIGINT NOT NULL,
    PRIMARY KEY (message_id, position)
);

-- What a token may be used at (RFC 8707); none: SecondMe's own API.
ALTER TABLE tokens ADD COLUMN audience TEXT;
ALTER TABLE authorization_codes ADD COLUMN audience TEXT NOT NULL DEFAULT '';

-- Clients that registered themselves (RFC 7591).
ALTER TABLE apps ADD COLUMN registered_itself BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX apps_registered_themselves ON apps (created_at) WHERE registered_itself;
