// The participant's own signing code, against vectors of the ethers library (its `test-wallet` suite).

import { expect, test } from '@jest/globals';
import { signPersonalMessage } from '../../../client/identity-token';
import { didOf, keyPairOf } from '../../../client/key-pair';

// ethers, testcases/wallets and signMessage("bytes(0x47173285…4cb01fad)").
const key = keyPairOf('0x51d1d6047622bca92272d36b297799ecc152dc2ef91b229debf84fc41e8c73ee');
const digest = Buffer.from('47173285a8d7341e5e972fc677286384f802f8ef42a5ec5f03bbfa254cb01fad', 'hex');

test('a private key has the address that ethers derives', () => {
  expect(key.address).toBe('0xD351c7c627ad5531Edb9587f4150CaF393c33E87'.toLowerCase());
});

test('a personal message over 32 bytes is signed as ethers signs it', () => {
  expect(signPersonalMessage(key, digest)).toBe(
    '0x546f0c996fa4cfbf2b68fd413bfb477f05e44e66545d7782d87d52305831cd055fc9943e513297d0f6755ad1590a5476bf7d1761d4f9dc07dfe473824bbdec751b',
  );
});

test('a DID holds the chain and the address, or the address alone', () => {
  expect(didOf(key)).toBe(`did:ethr:volta:${key.address}`);
  expect(didOf(key, '0x12047')).toBe(`did:ethr:0x12047:${key.address}`);
  expect(didOf(key, '')).toBe(`did:ethr:${key.address}`);
});
