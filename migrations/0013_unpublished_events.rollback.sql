DROP TRIGGER note_unpublished_event ON audit_events;
DROP FUNCTION note_unpublished_event();
DROP TABLE event_publishing;
DROP TABLE unpublished_events;
