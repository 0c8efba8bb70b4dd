export { RedisBackplane, type RedisBackplaneOptions, type RedisBackplaneStore } from './redis-backplane.ts'
export type { RedisClient, RedisCommands } from './redis-client.ts'
