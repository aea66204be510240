/** Words to put where a request has others: names that mean something elsewhere, and values that mean nothing anywhere. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const methods = words("GET HEAD PUT POST DELETE PATCH OPTIONS PROPFIND QUERY");

export const segments = [
  ...words(
    ". .. % %2 %zz %00 %2F %ff %c3%28 %F0%9F%98%80 + a;b * :id {key} constructor __proto__ groups v1 kv 0 -1 1e9 😀",
  ),
  "",
  " ",
  "k".repeat(2048),
  "k".repeat(2049),
];

export const pathEnds = words("/ // /.. /x /%2e%2e/x ;x /renew /v3");
export const addressEnds = words("& &&= &%zz=1 &= ?a=b #x &a[]=1 &a=%ff");

export const parameters = [
  ...words(`timeout consistency node min_index max_staleness format revision prefix start end limit cursor keys_only
    metadata reverse delimiter ttl expires_at lease keep_lease by all from prev events progress wait token keys force id
    key __proto__`),
  "",
];

export const values = [
  ...words(`0 -1 1 1.5 1e3 NaN Infinity 0x10 9007199254740993 9223372036854775808 true false TRUE null 1ms 1s 60m 9999999h
    n1 n9 ../n1 %00 %ff %zz ä 😀 stale linearizable json AWEvYiBj AA== 2001-01-01T00:00:00Z`),
  "",
  " 1",
  "5 s",
  "k".repeat(3000),
];

export const headers = words(`content-type content-encoding content-range content-length if-match if-none-match
  if-modified-since if-unmodified-since if-range range idempotency-key idempotency-session x-raft-bookmark
  x-raft-metadata x-raft-min-index last-event-id accept authorization cookie x-raft-group x-raft-node x-raft-term
  transfer-encoding expect grpc-metadata-hasleader`);

export const headerValues = [
  ...words(
    `* "1" W/"1" ä gzip identity bytes=0-1 { {"a":1} 7.2 text/event-stream ${"x".repeat(257)} ${"9".repeat(30)}`,
  ),
  "",
  "\u0001",
  '"1", "2"',
  "Bearer x",
  "Basic Og==",
  "application/json; charset=utf-16",
];

/** Bodies that are long, or deep: each piece so many times. */
export const floods: readonly (readonly [piece: string, times: number])[] = [
  ["[", 100_000],
  ['{"txn":', 20_000],
  ['{"success":[{"request_txn":', 8000],
  ['{"put":{"key":"a","value":"1"}}\n', 1001],
  ["x", 1_100_000],
  [" ", 4_300_000],
];
