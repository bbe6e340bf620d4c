// The TCP proxy of the chaos runs, for tests.

export { startTcpProxy, type TcpProxy } from '../../scripts/stack/tcp-proxy';
