/** The nodes of a cluster of processes, one in each: the own one is an object here, the others are behind a network. */

import { internalOrigin } from "../../src/internal.ts";

/** Where the Worker of a process takes what the network brings. */
export const deliveryPath = "/chaos/deliver/";

export interface Route {
  /** The node of this process. */
  readonly own: string;
  /** Where calls to the nodes of other processes are put, `<from>/<object>/<path>` behind it. */
  readonly network: string;
}

/** A namespace that answers as the one of a deployment does, whose objects live in other machines too. */
export function routedNamespace(objects: DurableObjectNamespace, route: Route): DurableObjectNamespace {
  const getByName = (name: string, options?: DurableObjectNamespaceGetDurableObjectOptions): DurableObjectStub => {
    if (nodeOf(name) === route.own) return objects.getByName(name, options);
    return remoteStub(name, route);
  };
  return { getByName } as unknown as DurableObjectNamespace;
}

/** Hands a call that the network has brought to the object that it is for. */
export function deliver(request: Request, objects: DurableObjectNamespace): Promise<Response> {
  const { pathname } = new URL(request.url);
  const rest = pathname.slice(deliveryPath.length);
  const end = rest.indexOf("/");
  const stub = objects.getByName(decodeURIComponent(rest.slice(0, end)), { retry: { maxRetries: 0 } });
  return stub.fetch(new Request(internalOrigin + rest.slice(end), request));
}

/** An object's name is `group/node`. */
export function nodeOf(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

function remoteStub(name: string, { own, network }: Route): DurableObjectStub {
  const base = `${network}/${own}/${encodeURIComponent(name)}`;
  return {
    fetch: (url: string, init?: RequestInit) => fetch(base + new URL(url).pathname, init),
  } as unknown as DurableObjectStub;
}
