// Calls about a client id that has to exist.

import { BrokerError } from '../shared/broker-error';
import type { ClientOptions, ClientRegistry } from '../shared/messages';

/** @throws BrokerError `not-found` for a client id that the participant does not have */
export async function knownClient(
  clients: Pick<ClientRegistry, 'find'>,
  did: string,
  clientId: string,
): Promise<ClientOptions> {
  const options = await clients.find(did, clientId);
  if (!options) throw new BrokerError('not-found', 'You have no client id of that name.');
  return options;
}
