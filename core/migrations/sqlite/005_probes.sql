-- What a probe learned about an instance, as the grant of one account sees it. It goes with the connection.

CREATE TABLE probes (
    customer_id TEXT    NOT NULL,
    instance_id TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    value       TEXT    NOT NULL,
    PRIMARY KEY (customer_id, instance_id),
    FOREIGN KEY (customer_id, instance_id) REFERENCES connections (customer_id, instance_id) ON DELETE CASCADE
) STRICT;
