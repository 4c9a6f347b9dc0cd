"""Event sources of functions: streams, queues and schedules."""

from local_aws.event_sources.service import EventSources

__all__ = ["EventSources"]
