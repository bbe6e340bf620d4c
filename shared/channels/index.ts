// Public index of the channels capability.

export { type Channel, channelTypes, maxChannelEntries } from './channel';
export { ChannelAdministration } from './channel-administration';
