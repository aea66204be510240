/** Which etcd this API behaves like: what clients decide by how they speak. */

/** Its statuses, paths and defaults are those that answers here are compared with. */
export const etcdVersion = "3.4.23";
export const etcdClusterVersion = "3.4.0";
