// The functions without a body in main.go are the runtime's.
