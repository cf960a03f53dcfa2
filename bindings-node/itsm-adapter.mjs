import adapter from './itsm-adapter.js'

export const {
  AbortError, Accounts, Alerts, Client, Connections, Events, Instances, ItsmError, RecordPage, Records, Registrations,
  Subscription, egressRanges, forwardLogs,
} = adapter
