-- Pending browser authorizations: single use, short-lived. No reference to the account: a flow may outlive it.

CREATE TABLE flows (
    id           TEXT    NOT NULL PRIMARY KEY,
    customer_id  TEXT    NOT NULL,
    instance_id  TEXT    NOT NULL,
    redirect_url TEXT    NOT NULL,
    -- Microseconds since 1970.
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    value        TEXT    NOT NULL,
    key_id       TEXT,
    sealed       BLOB,
    CHECK ((key_id IS NULL) = (sealed IS NULL))
) STRICT;

CREATE INDEX flows_by_end ON flows (expires_at, id);

CREATE INDEX flows_by_redirect ON flows (redirect_url);

-- Invariant 3 (T1): a redirect URL belongs to one registration, so that an answer tells by its address alone which
-- instance it comes from.
CREATE UNIQUE INDEX connections_one_redirect ON connections (json_extract(value, '$.endpoint.redirect_url'))
    WHERE json_extract(value, '$.endpoint.redirect_url') IS NOT NULL;

CREATE TRIGGER flows_one_redirect BEFORE INSERT ON flows
BEGIN
    SELECT RAISE(ABORT, 'the redirect URL belongs to another registration')
    WHERE EXISTS (SELECT 1 FROM connections
                  WHERE json_extract(value, '$.endpoint.redirect_url') IS NOT NULL
                    AND json_extract(value, '$.endpoint.redirect_url') = NEW.redirect_url
                    AND (customer_id <> NEW.customer_id OR instance_id <> NEW.instance_id))
       OR EXISTS (SELECT 1 FROM flows
                  WHERE redirect_url = NEW.redirect_url AND expires_at > NEW.created_at
                    AND (customer_id <> NEW.customer_id OR instance_id <> NEW.instance_id));
END;
