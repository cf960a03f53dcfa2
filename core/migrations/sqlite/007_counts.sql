-- The writer counts deliveries itself: once per status and transaction, where the triggers counted once per row.

DROP TRIGGER deliveries_count_insert;
DROP TRIGGER deliveries_count_update;
DROP TRIGGER deliveries_count_delete;
