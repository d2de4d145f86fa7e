"""Every Prometheus metric by name, in one place: dashboards and alerts are written against this page."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

STAGE_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

polls = Counter("fildactu_polls", "Polls of feeds by outcome", ["outcome"])
pushes = Counter("fildactu_pushes", "Deliveries of WebSub hubs by outcome", ["outcome"])
feed_gaps = Counter("fildactu_feed_gaps", "Polls that found nothing known; closed by earlier documents?", ["closed"])
downloads = Counter("fildactu_downloads", "Visits to pages by outcome", ["outcome"])
observations = Counter("fildactu_observations", "Observations processed, by verdict", ["verdict"])
deliveries = Counter("fildactu_deliveries", "Deliveries handled, by broker verdict", ["verdict"])
events_confirmed = Counter("fildactu_events_confirmed", "Article events confirmed by the broker", ["verb"])
worker_deaths = Counter("fildactu_worker_deaths", "Worker processes killed or lost, by reason", ["pool", "reason"])
outbox_oldest = Gauge("fildactu_outbox_oldest_age_seconds", "Age of the oldest event that is not confirmed yet")
waiting = Gauge("fildactu_waiting", "1 while the dependency is waited for", ["dependency"])
waiting_seconds = Gauge("fildactu_waiting_seconds", "How long it has been waited for", ["dependency"])
stage = Histogram("fildactu_stage_seconds", "Time a stage takes", ["stage"], buckets=STAGE_BUCKETS)


def exposition(registry: CollectorRegistry = REGISTRY) -> bytes:
    """The registry in Prometheus' text format."""
    return generate_latest(registry)
