-- Rows made by the server itself. %(bags)s bags over the last 90 days, four scans each; a fixed seed repeats them.

SELECT setseed(0.5);

INSERT INTO "user" (username, full_name, role, password_hash, created_at)
SELECT CASE n WHEN 1 THEN 'testuser' ELSE 'worker' || n END,
       (ARRAY['Zoë Müller', 'Søren Kjær', 'José Peña', '山田 花子', 'ليلى حداد', 'Ivana Kovač', 'Ada Obi'])[1 + n %% 7],
       CASE WHEN n = 1 THEN 'admin' WHEN n %% 8 = 0 THEN 'biller' ELSE 'scanner' END,
       CASE n WHEN 1 THEN %(password_hash)s ELSE '!' END,
       now() - interval '400 days' + n * interval '3 days'
FROM generate_series(1, 40) AS n;

INSERT INTO bill (customer, amount, issued_on, paid, created_at)
SELECT (ARRAY['Café Zürich', 'Nørrebro Tekstil', 'São Paulo Têxtil', '東京倉庫', 'Harbour & Sons', 'مخزن القاهرة'])[1 + n %% 6],
       round((20 + random() * 900)::numeric, 2), (now() - ago)::date, n %% 3 > 0, now() - ago
FROM (SELECT n, interval '90 days' * (1 - n::float8 / (1 + %(bags)s / 25)) AS ago
      FROM generate_series(1, 1 + %(bags)s / 25) AS n) AS made;

INSERT INTO bag (bill_id, received_by, status, weight_grams, destination, note, created_at, updated_at)
SELECT 1 + n / 25, 2 + n %% 39,
       (ARRAY['stored', 'in_transit', 'delivered', 'delivered', 'received'])[1 + n %% 5]::bag_status,
       500 + (random() * 30000)::int,
       (ARRAY['Rotterdam', 'Köln', 'Gdańsk', '大阪', 'Montréal', 'Łódź', 'Aarhus'])[1 + n %% 7],
       CASE WHEN n %% 50 = 0 THEN 'handle with care – “fragile” ✂' END,
       now() - ago, now() - ago
FROM (SELECT n, interval '90 days' * (1 - n::float8 / %(bags)s) AS ago
      FROM generate_series(1, %(bags)s) AS n) AS made;

INSERT INTO bag_scan (bag_id, scanned_by, station, details, scanned_at)
SELECT bag.id, 2 + (bag.id + visit) %% 39, (ARRAY['dock A', 'sorter', 'shelf 14', 'gate 3'])[visit],
       jsonb_build_object('device', 'scanner-' || bag.id %% 12, 'ok', true),
       bag.created_at + visit * interval '7 minutes'
FROM bag, generate_series(1, 4) AS visit;
