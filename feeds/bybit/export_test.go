package bybit

// PingMessage is what keeps a connection alive; it is sent too seldom to wait for it.
func PingMessage() []byte { return newConnection(New(Config{}), "", nil, newBook(nil), nil).ping() }
