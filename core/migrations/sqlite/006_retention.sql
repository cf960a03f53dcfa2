-- What stays of deliveries that are removed when their time is over, and what their removal has to find.

-- The last incident of an alert, so that the next one gets a key of its own, however late it comes.
CREATE TABLE delivery_traces (
    -- Digest of account, source and alert id.
    key        TEXT    NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL,
    number     TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_groups_by_parent ON delivery_groups (customer_id, json_extract(value, '$.parent'));

CREATE TRIGGER deliveries_count_delete AFTER DELETE ON deliveries
BEGIN
    UPDATE delivery_counts SET count = count - 1
    WHERE customer_id = OLD.customer_id AND instance_id = OLD.instance_id AND status = OLD.status;
END;
