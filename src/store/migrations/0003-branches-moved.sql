-- When each branch was seen to move, which says who is parked when there are too many previews. Of what was listed before it is known when at the latest.
ALTER TABLE repos ADD COLUMN moved_at TEXT NOT NULL DEFAULT '{}';
UPDATE repos SET moved_at =
  (SELECT json_group_object(key, listing -> '$.asOf') FROM json_each(listing -> '$.branches')) WHERE listing IS NOT NULL;
