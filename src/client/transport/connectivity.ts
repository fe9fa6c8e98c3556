import { type Client, connectivityState } from '@grpc/grpc-js';

/** The connectivity state of a channel. An idle channel starts to connect. */
export function stateOf(client: Client): connectivityState {
  const channel = client.getChannel();
  const state = channel.getConnectivityState(false);
  if (state === connectivityState.IDLE) channel.getConnectivityState(true);
  return state;
}

/**
 * Resolves when the channel is connected. Fails when an attempt fails, or at the deadline.
 *
 * @param deadline milliseconds since 1970
 */
export async function connectedTo(client: Client, deadline: number): Promise<void> {
  for (;;) {
    const state = stateOf(client);
    if (state === connectivityState.READY) return;
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) {
      throw new Error(connectivityState[state]);
    }
    await stateChange(client, state, deadline);
  }
}

/** Resolves when the channel is connected, despite failed attempts. Fails when the client is closed. */
export async function untilConnected(client: Client): Promise<void> {
  for (;;) {
    const state = stateOf(client);
    if (state === connectivityState.READY) return;
    if (state === connectivityState.SHUTDOWN) throw new Error(connectivityState[state]);
    await stateChange(client, state, Number.POSITIVE_INFINITY);
  }
}

function stateChange(client: Client, from: connectivityState, deadline: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.getChannel().watchConnectivityState(from, deadline, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
