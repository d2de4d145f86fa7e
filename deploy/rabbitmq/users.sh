#!/bin/sh
# Makes or refreshes the account `subscriber`: it may declare, bind and consume queues named sub.*, and read article events,
# live from the exchange article.events and past from the stream article.history. It cannot reach the raw.* queues.
set -eu
ctl() { rabbitmqctl --quiet --node rabbit@rabbitmq "$@"; }

if ctl list_users --no-table-headers | grep -q '^subscriber[[:space:]]'; then
  ctl change_password subscriber "$SUBSCRIBER_PASSWORD"
else
  ctl add_user subscriber "$SUBSCRIBER_PASSWORD"
fi
# configure, write, read
ctl set_permissions subscriber '^sub\.' '^sub\.' '^(sub\.|article\.)'
# A subscriber that stays away must not fill the disk: its queue then loses the oldest events, which the stream still has.
ctl set_policy subscribers '^sub\.' '{"max-length-bytes":2000000000,"overflow":"drop-head"}' --apply-to queues
echo "the account 'subscriber' is ready"
