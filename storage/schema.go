package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Buckets and keys of the schema.
var (
	metaBucket = []byte("meta")
	versionKey = []byte("schema")

	// chatsBucket: platform NUL chat -> chat settings as JSON.
	chatsBucket = []byte("chats")
	// claimsBucket: request id -> time of the claim, 8 bytes big endian Unix
	// nanoseconds.
	claimsBucket = []byte("claims")
	// claimTimesBucket: time of the claim and request id -> nothing, for pruning in
	// the order of time.
	claimTimesBucket = []byte("claim_times")
	// inboxBucket: request id -> the event as the platform sent it, for as long as it
	// is not answered.
	inboxBucket = []byte("inbox")

	// alertsBucket: platform NUL chat -> what the chat has asked for, as JSON.
	alertsBucket = []byte("alerts")
	// subsBucket: coin NUL rule NUL platform NUL class chat NUL topic -> wish, the
	// index of the subscriptions that are in force.
	subsBucket = []byte("subs")
	// levelsBucket: coin NUL direction price id -> wish, the index of members' levels.
	// Its sequence numbers the levels.
	levelsBucket = []byte("levels")
	// edgesBucket: coin NUL rule NUL threshold -> how many rows of subsBucket have it.
	edgesBucket = []byte("edges")
	// undoBucket: platform NUL chat -> what the newest changes of a chat replaced, as JSON.
	undoBucket = []byte("undo")
	// auditBucket: platform NUL chat NUL sequence -> a change, as JSON.
	auditBucket = []byte("audit")
	// movedBucket: platform NUL old chat -> platform NUL new chat.
	movedBucket = []byte("moved")

	// statesBucket: name -> a rule's state, as the watcher wrote it.
	statesBucket = []byte("states")
	// eventsBucket: id of a recorded event -> its place in eventOrderBucket, which
	// leads from the place to the id.
	eventsBucket     = []byte("events")
	eventOrderBucket = []byte("event_order")

	// historyBucket: coin NUL rule NUL time id -> an alert with where it was sent and what
	// became of it, as JSON. historyKeysBucket leads from the id to the key.
	historyBucket     = []byte("history")
	historyKeysBucket = []byte("history_keys")
	// postedBucket: time of the alert, entry and index -> the messages of deliveries that are followed up,
	// the first of which has that index, and whom they went to.
	postedBucket = []byte("posted")
	// heldBucket: platform NUL chat NUL topic NUL sequence -> an alert that waits for a
	// Summary.
	heldBucket = []byte("held")
	// scheduleBucket: platform NUL time place -> nothing, what is due when; placesBucket:
	// platform NUL place -> its time. A place is a chat, a topic and what is due there.
	scheduleBucket = []byte("schedule")
	placesBucket   = []byte("places")
	// pacesBucket: platform NUL chat -> what the chat was told lately, for chats with a
	// cooldown or a cap.
	pacesBucket = []byte("paces")

	// outboxBucket: platform NUL entry -> header of an entry: an alert on its way to
	// its recipients on one platform. Its sequence numbers the entries.
	outboxBucket = []byte("outbox")
	// newsBucket: entry -> its alert, as JSON with a checksum.
	newsBucket = []byte("news")
	// recipientsBucket: entry chunk -> recipients.
	recipientsBucket = []byte("recipients")
	// waitingBucket: platform NUL time entry index -> a delivery to be tried again
	// not before then, in Unix nanoseconds.
	waitingBucket = []byte("waiting")
	// flyingBucket: platform NUL entry index -> a claimed delivery that the entry's
	// header does not tell of.
	flyingBucket = []byte("flying")

	// figuresBucket: name -> counters, and the web chat's key.
	figuresBucket = []byte("figures")
	// quarantineBucket: sequence -> bucket, key and value of a row that could not be
	// read.
	quarantineBucket = []byte("quarantine")
)

// migrations[i] brings a file from schema i to i+1. Each runs in the transaction
// that also writes the new version, so a crash leaves one or the other.
var migrations = []func(*bolt.Tx) error{
	func(tx *bolt.Tx) error { return createBuckets(tx, chatsBucket, claimsBucket, claimTimesBucket) },
	func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(inboxBucket)
		return err
	},
	func(tx *bolt.Tx) error {
		return createBuckets(tx,
			alertsBucket, subsBucket, levelsBucket, auditBucket, movedBucket,
			statesBucket, eventsBucket, eventOrderBucket,
			outboxBucket, newsBucket, recipientsBucket, waitingBucket, flyingBucket,
			figuresBucket, quarantineBucket)
	},
	func(tx *bolt.Tx) error {
		err := createBuckets(tx, edgesBucket, undoBucket, historyBucket, historyKeysBucket,
			postedBucket, heldBucket, scheduleBucket, placesBucket, pacesBucket)
		if err != nil {
			return err
		}
		return countEdges(tx)
	},
}

func createBuckets(tx *bolt.Tx, names ...[]byte) error {
	for _, name := range names {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	return nil
}

// migrate brings the file to the newest schema, one transaction a step.
func migrate(db *bolt.DB) error {
	for {
		version, err := schemaVersion(db)
		switch {
		case err != nil:
			return err
		case version > uint64(len(migrations)):
			return fmt.Errorf("%w: its schema is %d, this bot knows up to %d", ErrNewer, version, len(migrations))
		case version == uint64(len(migrations)):
			return nil
		}
		err = db.Update(func(tx *bolt.Tx) error {
			if err := migrations[version](tx); err != nil {
				return err
			}
			meta, err := tx.CreateBucketIfNotExists(metaBucket)
			if err != nil {
				return err
			}
			return meta.Put(versionKey, binary.BigEndian.AppendUint64(nil, version+1))
		})
		if err != nil {
			return fmt.Errorf("migrate data file from schema %d: %w", version, err)
		}
	}
}

// schemaVersion is 0 for a file without a schema.
func schemaVersion(db *bolt.DB) (version uint64, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		if meta == nil {
			return nil
		}
		value := meta.Get(versionKey)
		if len(value) != 8 {
			return errors.New("schema version is not 8 bytes")
		}
		version = binary.BigEndian.Uint64(value)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return version, nil
}
