// The broker as gateways meet it: several instances behind one name, where every request may reach another one. With
// BROKER_URL set it is that broker.

import { startTestStack } from '../stack';
import { ClientGateway } from './client-gateway';
import { DidDocuments } from './did-documents';

export interface Deployment {
  /** Base URLs of its instances. */
  readonly urls: readonly string[];
  /** A gateway of a participant that nobody knows yet; not started. */
  readonly createGateway: () => ClientGateway;
  readonly stop: () => Promise<void>;
}

export async function startDeployment(): Promise<Deployment> {
  const url = process.env['BROKER_URL'];
  if (url) return deploymentOf([url], () => Promise.resolve());
  const stack = await startTestStack();
  try {
    const second = await stack.startInstance();
    return deploymentOf([stack.url, second.url], stack.stop);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

function deploymentOf(urls: readonly string[], stop: () => Promise<void>): Deployment {
  const documents = new DidDocuments();
  return { urls, stop, createGateway: () => new ClientGateway({ urls, documents }) };
}
