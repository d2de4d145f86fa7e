"""WebSub: subscriptions at hubs, and what hubs may tell us."""
