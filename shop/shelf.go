package shop

import "container/list"

// shelf keeps at most room things by key and drops the oldest to make place. Not safe for concurrent use: its owner locks.
type shelf[K comparable, V any] struct {
	room  int
	order *list.List // of slot[K, V], oldest in front
	byKey map[K]*list.Element
}

type slot[K comparable, V any] struct {
	key   K
	value V
}

func newShelf[K comparable, V any](room int) *shelf[K, V] {
	return &shelf[K, V]{room: room, order: list.New(), byKey: map[K]*list.Element{}}
}

func (s *shelf[K, V]) get(key K) (value V, ok bool) {
	e, ok := s.byKey[key]
	if !ok {
		return value, false
	}
	return e.Value.(slot[K, V]).value, true
}

// put stores a value as the newest, in place of the key's former one. What had to go for it is returned, so that its owner can
// undo what hung on it.
func (s *shelf[K, V]) put(key K, value V) (dropped V, full bool) {
	s.drop(key)
	if s.order.Len() >= s.room {
		k, v, _ := s.oldest()
		s.drop(k)
		dropped, full = v, true
	}
	s.byKey[key] = s.order.PushBack(slot[K, V]{key, value})
	return dropped, full
}

// change replaces the value of a key that is there and leaves its age alone.
func (s *shelf[K, V]) change(key K, value V) {
	if e, ok := s.byKey[key]; ok {
		e.Value = slot[K, V]{key, value}
	}
}

// touch makes a key the newest.
func (s *shelf[K, V]) touch(key K) {
	if e, ok := s.byKey[key]; ok {
		s.order.MoveToBack(e)
	}
}

func (s *shelf[K, V]) drop(key K) {
	if e, ok := s.byKey[key]; ok {
		s.order.Remove(e)
		delete(s.byKey, key)
	}
}

func (s *shelf[K, V]) oldest() (key K, value V, ok bool) {
	e := s.order.Front()
	if e == nil {
		return key, value, false
	}
	first := e.Value.(slot[K, V])
	return first.key, first.value, true
}

func (s *shelf[K, V]) len() int { return s.order.Len() }
