// Pages of listings as the API counts them: from 1, with a limit of records.

import { BrokerError, invalidParameter } from '../broker-error';
import type { Listing, Window } from './topic-store';

export interface PageRequest {
  /** Records a page; absent: all of them. */
  readonly limit?: number;
  /** From 1. */
  readonly page?: number;
}

export interface Page extends Listing {
  readonly limit: number;
  readonly page: number;
}

/** @throws BrokerError `invalid-parameters`, `page-without-limit` */
export function toWindow({ limit, page = 1 }: PageRequest): Window {
  if (page < 1) throw invalidParameter('page', 'must be at least 1');
  if (limit === undefined) {
    if (page > 1) throw new BrokerError('page-without-limit', 'page : a page greater than 1 needs limit');
    return { offset: 0, limit };
  }
  if (limit < 1) throw invalidParameter('limit', 'must be at least 1');
  return { offset: (page - 1) * limit, limit };
}

export function toPage(listing: Listing, { limit, page = 1 }: PageRequest): Page {
  return { ...listing, limit: limit ?? listing.count, page };
}
