ALTER TABLE "user" ADD PRIMARY KEY (id), ADD UNIQUE (username),
    ADD CONSTRAINT user_role_known CHECK (role IN ('admin', 'biller', 'scanner'));
ALTER TABLE bill ADD PRIMARY KEY (id), ADD UNIQUE (number),
    ADD CONSTRAINT bill_amount_positive CHECK (amount >= 0);
ALTER TABLE bag ADD PRIMARY KEY (id), ADD UNIQUE (tag),
    ADD CONSTRAINT bag_weight_plausible CHECK (weight_grams BETWEEN 1 AND 100000),
    ADD FOREIGN KEY (bill_id) REFERENCES bill (id),
    ADD FOREIGN KEY (received_by) REFERENCES "user" (id);
ALTER TABLE bag_scan ADD PRIMARY KEY (id),
    ADD FOREIGN KEY (bag_id) REFERENCES bag (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (scanned_by) REFERENCES "user" (id);

ALTER SEQUENCE bag_tag_seq OWNED BY bag.tag;
ALTER SEQUENCE bill_number_seq OWNED BY bill.number;

CREATE INDEX bag_created_at ON bag (created_at);
CREATE INDEX bag_bill ON bag (bill_id);
CREATE INDEX bag_missing ON bag (id) WHERE status = 'missing';
CREATE INDEX bag_scan_bag ON bag_scan (bag_id, scanned_at);

CREATE VIEW bag_overview AS
    SELECT bag.id, bag.tag, bag.status, bag.destination, bill.number AS bill, bill.customer
    FROM bag LEFT JOIN bill ON bill.id = bag.bill_id;

CREATE FUNCTION billed_weight_grams(wanted bigint) RETURNS bigint LANGUAGE sql STABLE AS
    'SELECT coalesce(sum(weight_grams), 0) FROM bag WHERE bill_id = wanted';

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.updated_at := now(); RETURN NEW; END';
CREATE TRIGGER bag_touched BEFORE UPDATE ON bag FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
