-- 0005: what an imported history calls a process. NULL: it is called by its `since`.
ALTER TABLE incarnation ADD COLUMN name TEXT;
