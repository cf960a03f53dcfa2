-- What an account wants done with its alerts, and how far its sources have been read. Both go with the account.

CREATE TABLE policies (
    customer_id TEXT    NOT NULL PRIMARY KEY REFERENCES accounts (customer_id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    value       TEXT    NOT NULL
) STRICT;

CREATE TABLE resume_points (
    customer_id TEXT    NOT NULL REFERENCES accounts (customer_id) ON DELETE CASCADE,
    source      TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    value       TEXT    NOT NULL,
    PRIMARY KEY (customer_id, source)
) STRICT;
