-- The outbox: which deliveries a worker may take, in which order, and how many stand where.
--
-- `ready` 1: may be taken now. Else `due_at` (microseconds since 1970) says when it becomes ready: the end of a
-- pause, or of the claim of a worker that went away. Neither: there is nothing to do. Claiming reads the front of
-- two small indexes, however many rows wait.

ALTER TABLE deliveries ADD COLUMN ready INTEGER NOT NULL DEFAULT 0 CHECK (ready IN (0, 1));
ALTER TABLE deliveries ADD COLUMN due_at INTEGER;
-- Who has claimed it.
ALTER TABLE deliveries ADD COLUMN owner TEXT;
-- 0 for the highest severity.
ALTER TABLE deliveries ADD COLUMN rank INTEGER NOT NULL DEFAULT 4;
ALTER TABLE deliveries ADD COLUMN instance_id TEXT NOT NULL DEFAULT '';

UPDATE deliveries SET
    ready = status IN ('pending', 'unknown'),
    instance_id = coalesce(json_extract(value, '$.delivery.instance_id'), ''),
    rank = CASE json_extract(value, '$.delivery.alert.severity')
        WHEN 'critical' THEN 0 WHEN 'error' THEN 1 WHEN 'warning' THEN 2 WHEN 'success' THEN 3 ELSE 4 END;

CREATE INDEX deliveries_ready ON deliveries (customer_id, rank, id) WHERE ready = 1;

CREATE INDEX deliveries_due ON deliveries (customer_id, due_at) WHERE due_at IS NOT NULL;

-- Later states of an alert, each to be done after the one before it.
CREATE TABLE delivery_steps (
    -- AUTOINCREMENT: a number is never given twice.
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id TEXT    NOT NULL,
    value       TEXT    NOT NULL
) STRICT;

CREATE INDEX delivery_steps_by_delivery ON delivery_steps (delivery_id, number);

-- Alerts of one cause, counted in the incident of the first.
CREATE TABLE delivery_groups (
    customer_id TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    value       TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    PRIMARY KEY (customer_id, key)
) STRICT, WITHOUT ROWID;

-- Kept by the triggers below, so that nobody ever counts a million rows.
CREATE TABLE delivery_counts (
    customer_id TEXT    NOT NULL,
    instance_id TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    PRIMARY KEY (customer_id, instance_id, status)
) STRICT, WITHOUT ROWID;

INSERT INTO delivery_counts
    SELECT customer_id, instance_id, status, count(*) FROM deliveries GROUP BY customer_id, instance_id, status;

CREATE TRIGGER deliveries_count_insert AFTER INSERT ON deliveries
BEGIN
    INSERT INTO delivery_counts VALUES (NEW.customer_id, NEW.instance_id, NEW.status, 1)
    ON CONFLICT (customer_id, instance_id, status) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER deliveries_count_update AFTER UPDATE OF status, instance_id ON deliveries
WHEN OLD.status <> NEW.status OR OLD.instance_id <> NEW.instance_id
BEGIN
    UPDATE delivery_counts SET count = count - 1
    WHERE customer_id = OLD.customer_id AND instance_id = OLD.instance_id AND status = OLD.status;
    INSERT INTO delivery_counts VALUES (NEW.customer_id, NEW.instance_id, NEW.status, 1)
    ON CONFLICT (customer_id, instance_id, status) DO UPDATE SET count = count + 1;
END;
