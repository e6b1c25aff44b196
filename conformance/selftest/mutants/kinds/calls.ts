import { AsyncLocalStorage } from "node:async_hooks";
import type { IncomingMessage } from "node:http";
import { isJson, readAll, withBody } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

type Handler = NonNullable<Mutant["handler"]>;

const calls = new AsyncLocalStorage<IncomingMessage>();

/** Makes the request of each call known to the operations, which get only its message. */
export const knownCalls: Handler = (real) => async (req, res) => {
  const body = await readAll(req);
  if (body !== undefined) calls.run(req, () => real(withBody(req, body), res));
};

/** Returns the request of the call that the server is carrying out. The mutant needs `knownCalls`. */
export const currentCall = () => calls.getStore();

/** Returns the codec of the call that the server is carrying out. */
export const currentCodec = () => {
  const call = currentCall();
  return call === undefined || !isJson(call) ? "proto" : "json";
};

/** Returns the connection of the call that the server is carrying out. */
export const currentConnection = (): object => currentCall()?.socket ?? {};
