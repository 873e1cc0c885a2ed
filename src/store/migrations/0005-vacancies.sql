-- Who belongs to a place without serving there: on its way, failed, or parked.
ALTER TABLE routes ADD COLUMN vacancy TEXT;
